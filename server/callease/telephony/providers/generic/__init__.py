"""Any telephony system that can post JSON: the contract's own format."""
