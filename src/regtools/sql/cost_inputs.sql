-- Answers: how many bytes would this be if a blob were stored once per registry, per namespace or
--          per repository, whatever its own registry does? And what does a pull take?
-- Parameters: none; tables places, roots, items, reach (one state).
-- Columns: registry_bytes, namespace_bytes, repository_bytes, repositories, tags, pull_bytes,
--          pull_objects (both summed over the tags), complete.
WITH
held AS (
    SELECT DISTINCT
        places.registry,
        split_part(places.repository, '/', 1) AS namespace,
        places.repository,
        reach.item
    FROM (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops
    JOIN places USING (place)
    JOIN reach USING (root)
    WHERE reach.stored
),
-- Moved to one provider, several registries become one.
once_a_registry AS (
    SELECT DISTINCT item FROM held
),
once_a_namespace AS (
    SELECT DISTINCT registry, namespace, item FROM held
),
-- A foreign layer is pulled from elsewhere: it costs this provider nothing.
pulls AS (
    SELECT root, sum(size) AS size, count(*) AS objects
    FROM reach
    JOIN items USING (item)
    WHERE reach.pulled AND reach.stored
    GROUP BY root
),
pulled AS (
    SELECT sum(pulls.size) AS size, sum(pulls.objects) AS objects, count(*) AS tags
    FROM roots
    LEFT JOIN pulls USING (root)
    WHERE tag IS NOT NULL AND NOT follows
)
SELECT
    (SELECT coalesce(sum(size), 0) FROM once_a_registry JOIN items USING (item)) AS registry_bytes,
    (SELECT coalesce(sum(size), 0) FROM once_a_namespace JOIN items USING (item)) AS namespace_bytes,
    (SELECT coalesce(sum(size), 0) FROM held JOIN items USING (item)) AS repository_bytes,
    (SELECT count(DISTINCT place) FROM roots) AS repositories,
    pulled.tags,
    coalesce(pulled.size, 0) AS pull_bytes,
    coalesce(pulled.objects, 0) AS pull_objects,
    (SELECT coalesce(bool_and(complete), FALSE) FROM snapshots)
    AND NOT EXISTS (SELECT 1 FROM problems)
    AND (SELECT coalesce(bool_and(known), TRUE) FROM held JOIN items USING (item)) AS complete
FROM pulled
