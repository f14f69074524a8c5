-- Answers: which manifests go from each repository, those inside indexes and referrers too? What names
--          another comes before it.
-- Parameters: none; tables places, nodes, links, held.
-- Columns: registry, repository, digest, size.
WITH RECURSIVE
leaving AS (
    SELECT place, node FROM held WHERE NOT kept
),
-- How deep below a top, so that a registry which refuses to delete a child first is content.
depths AS (
    SELECT place, node, 0 AS depth FROM leaving
    UNION
    SELECT depths.place, links.child, depths.depth + 1
    FROM depths
    JOIN links
        ON links.parent = depths.node
        AND (links.place IS NULL OR links.place = depths.place)
    JOIN leaving ON leaving.place = depths.place AND leaving.node = links.child
    WHERE depths.depth < 12
),
deepest AS (
    SELECT place, node, max(depth) AS depth FROM depths GROUP BY place, node
)
SELECT places.registry, places.repository, nodes.digest, nodes.size
FROM deepest
JOIN places USING (place)
JOIN nodes USING (node)
ORDER BY places.registry, places.repository, deepest.depth, nodes.digest
