-- Answers: on which chains of layers do several images stand: the base images of each state?
-- Parameters: none; tables items, standing.
-- Columns: state, registry, chain, layers, size, known, platform, images (that stand on it), exactly
--          (images that are it), base ('': no image is exactly this), digests (of the layers, in order).
WITH
-- A chain that all its images continue with the same layer is only a part of a longer one.
chains AS (
    SELECT
        state,
        registry,
        chain,
        any_value(depth) AS layers,
        max(bytes) AS size,
        bool_and(known) AS known,
        min(node) AS example,
        min(platform) AS platform,
        count(following) AS images,
        count(*) - count(following) AS exactly
    FROM standing
    GROUP BY state, registry, chain
    HAVING count(*) > 1
        AND count(following) > 0
        AND (count(following) < count(*) OR count(DISTINCT following) > 1)
),
-- The newest image that is exactly this chain gives its name.
names AS (
    SELECT
        state,
        registry,
        chain,
        arg_min(
            name, (made_at IS NULL, -epoch_us(coalesce(made_at, 'epoch'::TIMESTAMPTZ)), name)
        ) AS base
    FROM standing
    SEMI JOIN chains USING (state, registry, chain)
    WHERE following IS NULL AND NOT contains(name, '@')
    GROUP BY state, registry, chain
),
listed AS (
    SELECT
        chains.state,
        chains.registry,
        chains.chain,
        list(items.digest ORDER BY standing.position) AS digests
    FROM chains
    JOIN standing
        ON standing.state = chains.state
        AND standing.registry = chains.registry
        AND standing.node = chains.example
        AND standing.depth <= chains.layers
    JOIN items USING (item)
    GROUP BY chains.state, chains.registry, chains.chain
)
SELECT chains.* EXCLUDE (example), coalesce(names.base, '') AS base, listed.digests
FROM chains
JOIN listed USING (state, registry, chain)
LEFT JOIN names USING (state, registry, chain)
