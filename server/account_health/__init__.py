"""The health of accounts: the rates of bounces and complaints, and the states that follow from them."""
