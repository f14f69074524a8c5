-- Answers: to which base image does each layer belong: the shortest chain of layers that has it?
-- Parameters: none; table base_chains.
-- Columns: state, registry, digest (of the layer), chain, base (where no image is exactly this, the
--          digest of its last layer), platform, layers, images.
WITH
inside AS (
    SELECT state, registry, unnest(digests) AS digest, chain, layers, images, digests
    FROM base_chains
),
nearest AS (
    SELECT state, registry, digest, arg_min(chain, (layers, -images, digests)) AS chain
    FROM inside
    GROUP BY state, registry, digest
)
SELECT
    nearest.state,
    nearest.registry,
    nearest.digest,
    hex(nearest.chain) AS chain,
    CASE WHEN base = '' THEN digests[len(digests)] ELSE base END AS base,
    platform,
    layers,
    images
FROM nearest
JOIN base_chains USING (state, registry, chain)
ORDER BY state, registry, digest
