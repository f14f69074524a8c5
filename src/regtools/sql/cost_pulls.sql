-- Answers: what does a pull of each repository take, on average over its tags?
-- Parameters: none; tables places, roots, items, reach (one state).
-- Columns: registry, repository, pull_bytes, pull_objects.
WITH
pulls AS (
    SELECT root, sum(size) AS size, count(*) AS objects
    FROM reach
    JOIN items USING (item)
    WHERE reach.pulled AND reach.stored
    GROUP BY root
)
SELECT
    places.registry,
    places.repository,
    avg(coalesce(pulls.size, 0)) AS pull_bytes,
    avg(coalesce(pulls.objects, 0)) AS pull_objects
FROM roots
JOIN places USING (place)
LEFT JOIN pulls USING (root)
WHERE roots.tag IS NOT NULL AND NOT roots.follows
GROUP BY ALL
ORDER BY ALL
