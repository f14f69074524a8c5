-- Answers: what does a pull of each tag transfer, with and without layers that are very large?
-- Parameters: $state, $layer_bytes (from where on a layer is); tables places, roots, items, reach.
-- Columns: registry, repository, tag, pull_bytes, beside_bytes (without them).
SELECT
    places.registry,
    places.repository,
    roots.tag,
    sum(items.size) AS pull_bytes,
    coalesce(
        sum(items.size) FILTER (
            WHERE NOT (items.role = 'layer' AND reach.stored AND items.size > $layer_bytes)
        ),
        0
    ) AS beside_bytes
FROM roots
JOIN places USING (place)
JOIN reach USING (root)
JOIN items USING (item)
WHERE places.state = $state AND roots.tag IS NOT NULL AND reach.pulled
GROUP BY places.registry, places.repository, roots.tag
ORDER BY pull_bytes DESC, places.registry, places.repository, roots.tag
