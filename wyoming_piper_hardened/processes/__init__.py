"""Starting, watching, ending and diagnosing child processes."""
