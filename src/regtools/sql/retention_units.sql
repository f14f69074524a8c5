-- Answers: which version is each unit of retention_bundles?
-- Parameters: none; tables places, nodes, versions, judged.
-- Columns: unit, registry, repository, tags (a list), digest.
WITH
units AS (
    SELECT row_number() OVER (ORDER BY place, node) AS unit, place, node
    FROM versions
    WHERE leaving = holders
)
SELECT
    units.unit,
    places.registry,
    places.repository,
    coalesce(list(judged.tag ORDER BY judged.tag) FILTER (WHERE judged.tag IS NOT NULL), [])
        AS tags,
    nodes.digest
FROM units
JOIN places USING (place)
JOIN nodes USING (node)
JOIN judged ON judged.place = units.place AND judged.node = units.node
GROUP BY units.unit, places.registry, places.repository, nodes.digest
ORDER BY units.unit
