"""The promises of the platform, proved against real parts."""
