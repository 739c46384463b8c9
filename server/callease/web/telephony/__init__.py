"""What telephony providers call: news of calls, and the question where a call goes."""
