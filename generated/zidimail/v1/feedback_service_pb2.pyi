from google.api import field_behavior_pb2 as _field_behavior_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeedbackType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEEDBACK_TYPE_UNSPECIFIED: _ClassVar[FeedbackType]
    FEEDBACK_TYPE_ABUSE: _ClassVar[FeedbackType]
    FEEDBACK_TYPE_FRAUD: _ClassVar[FeedbackType]
    FEEDBACK_TYPE_VIRUS: _ClassVar[FeedbackType]
    FEEDBACK_TYPE_OTHER: _ClassVar[FeedbackType]
    FEEDBACK_TYPE_NOT_SPAM: _ClassVar[FeedbackType]
FEEDBACK_TYPE_UNSPECIFIED: FeedbackType
FEEDBACK_TYPE_ABUSE: FeedbackType
FEEDBACK_TYPE_FRAUD: FeedbackType
FEEDBACK_TYPE_VIRUS: FeedbackType
FEEDBACK_TYPE_OTHER: FeedbackType
FEEDBACK_TYPE_NOT_SPAM: FeedbackType

class RecordComplaintRequest(_message.Message):
    __slots__ = ("email_id", "recipient", "feedback_type", "org_id")
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    email_id: str
    recipient: str
    feedback_type: FeedbackType
    org_id: str
    def __init__(self, email_id: _Optional[str] = ..., recipient: _Optional[str] = ..., feedback_type: _Optional[_Union[FeedbackType, str]] = ..., org_id: _Optional[str] = ...) -> None: ...

class RecordComplaintResponse(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    def __init__(self, event_id: _Optional[str] = ...) -> None: ...

class RecordBounceRequest(_message.Message):
    __slots__ = ("email_id", "recipient", "enhanced_status", "diagnostic", "org_id")
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    ENHANCED_STATUS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTIC_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    email_id: str
    recipient: str
    enhanced_status: str
    diagnostic: str
    org_id: str
    def __init__(self, email_id: _Optional[str] = ..., recipient: _Optional[str] = ..., enhanced_status: _Optional[str] = ..., diagnostic: _Optional[str] = ..., org_id: _Optional[str] = ...) -> None: ...

class RecordBounceResponse(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    def __init__(self, event_id: _Optional[str] = ...) -> None: ...
