"""API Gateway's side for callers: REST APIs, as they were deployed, answer over HTTP."""
