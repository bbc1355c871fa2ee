"""The page of the local workspace: a small Slack in the browser, with the stand-ins beside it."""
