"""Moving voices between machines: bundles, and mirrors of the voice repository."""
