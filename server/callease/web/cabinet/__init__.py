"""The cabinet: where offices work their leads."""
