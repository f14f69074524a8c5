-- Answers: how many bytes would this be if a blob were stored once per registry, per namespace, per
--          repository or per version, whatever its own registry does? And what does a pull take?
-- Parameters: none; tables places, roots, items, reach (one state); parts(part, registry): the
--             registries that are moved into one.
-- Columns: part, registry_bytes, namespace_bytes, repository_bytes, version_bytes, repositories,
--          public_repositories, gzip_bytes (layers that are, once a registry), tags, pull_bytes,
--          pull_objects (both summed over the tags), complete.
WITH
tops AS (
    SELECT DISTINCT place, root FROM roots WHERE NOT follows
),
-- Who keeps every version in full counts a layer as often as there are images with it.
in_full AS (
    SELECT parts.part, sum(items.size) AS size
    FROM tops
    JOIN places USING (place)
    JOIN parts USING (registry)
    JOIN reach USING (root)
    JOIN items USING (item)
    WHERE reach.stored
    GROUP BY parts.part
),
held AS (
    SELECT DISTINCT
        parts.part,
        places.registry,
        split_part(places.repository, '/', 1) AS namespace,
        places.repository,
        reach.item
    FROM tops
    JOIN places USING (place)
    JOIN parts USING (registry)
    JOIN reach USING (root)
    WHERE reach.stored
),
once_a_repository AS (
    SELECT held.part, sum(items.size) AS size, bool_and(items.known) AS known
    FROM held
    JOIN items USING (item)
    GROUP BY held.part
),
once_a_namespace AS (
    SELECT once.part, sum(items.size) AS size
    FROM (SELECT DISTINCT part, registry, namespace, item FROM held) AS once
    JOIN items USING (item)
    GROUP BY once.part
),
-- Moved to one provider, several registries become one.
once_a_registry AS (
    SELECT
        once.part,
        sum(items.size) AS size,
        sum(items.size) FILTER (WHERE items.role = 'layer' AND contains(items.media_type, 'gzip'))
            AS gzip
    FROM (SELECT DISTINCT part, item FROM held) AS once
    JOIN items USING (item)
    GROUP BY once.part
),
counted AS (
    SELECT
        parts.part,
        count(DISTINCT roots.place) AS repositories,
        count(DISTINCT roots.place) FILTER (WHERE repositories.visibility = 'public') AS public
    FROM roots
    JOIN places USING (place)
    JOIN parts USING (registry)
    LEFT JOIN repositories USING (snapshot, repository)
    GROUP BY parts.part
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
    SELECT
        parts.part,
        sum(pulls.size) AS size,
        sum(pulls.objects) AS objects,
        count(*) AS tags
    FROM roots
    JOIN places USING (place)
    JOIN parts USING (registry)
    LEFT JOIN pulls USING (root)
    WHERE roots.tag IS NOT NULL AND NOT roots.follows
    GROUP BY parts.part
),
troubled AS (
    SELECT DISTINCT snapshot FROM problems
),
read_whole AS (
    SELECT parts.part, bool_and(snapshots.complete AND troubled.snapshot IS NULL) AS complete
    FROM parts
    JOIN snapshots USING (registry)
    LEFT JOIN troubled USING (snapshot)
    GROUP BY parts.part
)
SELECT
    part,
    coalesce(once_a_registry.size, 0) AS registry_bytes,
    coalesce(once_a_namespace.size, 0) AS namespace_bytes,
    coalesce(once_a_repository.size, 0) AS repository_bytes,
    coalesce(in_full.size, 0) AS version_bytes,
    coalesce(counted.repositories, 0) AS repositories,
    coalesce(counted.public, 0) AS public_repositories,
    coalesce(once_a_registry.gzip, 0) AS gzip_bytes,
    coalesce(pulled.tags, 0) AS tags,
    coalesce(pulled.size, 0) AS pull_bytes,
    coalesce(pulled.objects, 0) AS pull_objects,
    read_whole.complete AND coalesce(once_a_repository.known, TRUE) AS complete
FROM read_whole
LEFT JOIN once_a_registry USING (part)
LEFT JOIN once_a_namespace USING (part)
LEFT JOIN once_a_repository USING (part)
LEFT JOIN in_full USING (part)
LEFT JOIN counted USING (part)
LEFT JOIN pulled USING (part)
