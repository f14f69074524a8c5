"""Storage, cost and health of container registries."""
