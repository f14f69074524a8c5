-- Answers: which versions are some units of retention_bundles?
-- Parameters: $units (a list of numbers); tables places, nodes, judged.
-- Columns: unit, registry, repository, tags (a list), digest.
WITH
chosen AS (
    SELECT unit, (unit >> 32)::INTEGER AS place, (unit & 4294967295)::INTEGER AS node
    FROM (SELECT unnest($units::BIGINT[]) AS unit) AS numbers
)
SELECT
    chosen.unit,
    places.registry,
    places.repository,
    coalesce(list(judged.tag ORDER BY judged.tag) FILTER (WHERE judged.tag IS NOT NULL), [])
        AS tags,
    nodes.digest
FROM chosen
JOIN places USING (place)
JOIN nodes USING (node)
JOIN judged ON judged.place = chosen.place AND judged.node = chosen.node
GROUP BY chosen.unit, places.registry, places.repository, nodes.digest
ORDER BY chosen.unit
