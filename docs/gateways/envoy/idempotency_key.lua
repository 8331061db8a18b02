-- Writes the Idempotency-Key header of a request into its JSON body, where the contract has the key.
-- Only sends have such a field, and the transcoder passes over fields that it does not know.

local function json_string(text)
  local escaped = text:gsub('[%c"\\\128-\255]', function(byte)
    return string.format("\\u%04x", byte:byte())
  end)
  return '"' .. escaped .. '"'
end

function envoy_on_request(request)
  local key = request:headers():get("idempotency-key")
  if key == nil or request:headers():get(":method") ~= "POST" then
    return
  end
  -- Waits for the whole body.
  local body = request:body()
  if body == nil then
    return
  end
  local fields = body:getBytes(0, body:length()):match("^%s*{(.*)}%s*$")
  if fields == nil then
    -- To pass it on without its key would make a repeated send unsafe.
    request:respond({[":status"] = "400"}, "With an Idempotency-Key, the body has to be a JSON object.")
    return
  end
  local comma = fields:match("^%s*$") and "" or ","
  local length = body:setBytes("{" .. fields .. comma .. '"idempotency_key":' .. json_string(key) .. "}")
  request:headers():replace("content-length", length)
end
