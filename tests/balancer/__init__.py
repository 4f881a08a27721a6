"""Servers behind HAProxy, replaced one by one while people listen: `script/test-balancer`."""
