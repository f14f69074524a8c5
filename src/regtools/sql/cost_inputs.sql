-- Answers: how many bytes would this be if a blob were stored once per registry, per namespace, per
--          repository or per version, whatever its own registry does? And what does a pull take?
-- Parameters: none; tables places, roots, items, reach (one state).
-- Columns: registry_bytes, namespace_bytes, repository_bytes, version_bytes, repositories,
--          public_repositories, gzip_bytes (layers that are, once a registry), tags, pull_bytes,
--          pull_objects (both summed over the tags), complete.
WITH
tops AS (
    SELECT DISTINCT place, root FROM roots WHERE NOT follows
),
-- Who keeps every version in full counts a layer as often as there are images with it.
in_full AS (
    SELECT coalesce(sum(items.size), 0) AS size
    FROM tops
    JOIN reach USING (root)
    JOIN items USING (item)
    WHERE reach.stored
),
held AS (
    SELECT DISTINCT
        places.registry,
        split_part(places.repository, '/', 1) AS namespace,
        places.repository,
        reach.item
    FROM tops
    JOIN places USING (place)
    JOIN reach USING (root)
    WHERE reach.stored
),
public_places AS (
    SELECT DISTINCT roots.place
    FROM roots
    JOIN places USING (place)
    JOIN repositories USING (snapshot, repository)
    WHERE repositories.visibility = 'public'
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
    (SELECT size FROM in_full) AS version_bytes,
    (SELECT count(DISTINCT place) FROM roots) AS repositories,
    (SELECT count(*) FROM public_places) AS public_repositories,
    (
        SELECT coalesce(sum(size), 0)
        FROM once_a_registry
        JOIN items USING (item)
        WHERE items.role = 'layer' AND contains(items.media_type, 'gzip')
    ) AS gzip_bytes,
    pulled.tags,
    coalesce(pulled.size, 0) AS pull_bytes,
    coalesce(pulled.objects, 0) AS pull_objects,
    (SELECT coalesce(bool_and(complete), FALSE) FROM snapshots)
    AND NOT EXISTS (SELECT 1 FROM problems)
    AND (SELECT coalesce(bool_and(known), TRUE) FROM held JOIN items USING (item)) AS complete
FROM pulled
