"""What makes the server an app of Home Assistant: options, discovery, commands."""
