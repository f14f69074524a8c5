-- Answers: how many bytes does each tag reach, alone and with others, and what does a pull cost?
-- Parameters: $state; tables places, nodes, links, dates, roots, items, reach.
-- Columns: registry, repository, tag, digest, logical_bytes, physical_bytes, exclusive_bytes,
--          pull_bytes, foreign_bytes, created_at, pushed_at, subject, dedup_scope, complete,
--          web_url (of the tag, else of its repository).
WITH
tops AS (
    -- An untagged manifest holds what it reaches as a tag does.
    SELECT scope, root, count(*) AS tags
    FROM roots
    JOIN places USING (place)
    WHERE places.state = $state AND NOT roots.follows
    GROUP BY scope, root
),
holders AS (
    SELECT scope, item, sum(tags) AS tags
    FROM tops
    JOIN reach USING (root)
    WHERE stored
    GROUP BY scope, item
),
exclusive AS (
    SELECT scope, root, sum(size) AS size
    FROM tops
    JOIN reach USING (root)
    JOIN holders USING (scope, item)
    JOIN items USING (item)
    WHERE stored AND holders.tags = 1
    GROUP BY scope, root
),
root_sizes AS (
    SELECT
        root,
        sum(size) AS logical,
        sum(size) FILTER (WHERE stored) AS physical,
        sum(size) FILTER (WHERE pulled) AS pull,
        sum(size) FILTER (WHERE NOT stored) AS elsewhere,
        bool_and(known) AS known
    FROM reach
    JOIN items USING (item)
    GROUP BY root
),
-- What a referrer tag is about, where that is here: its bytes are counted there.
subjects AS (
    SELECT links.place, links.child, min(nodes.digest) AS subject
    FROM links
    JOIN nodes ON nodes.node = links.parent
    WHERE links.place IS NOT NULL
    GROUP BY links.place, links.child
)
SELECT
    places.registry,
    places.repository,
    roots.tag,
    coalesce(nodes.digest, roots.unread) AS digest,
    CASE WHEN follows THEN 0 ELSE coalesce(root_sizes.logical, 0) END AS logical_bytes,
    CASE WHEN follows THEN 0 ELSE coalesce(root_sizes.physical, 0) END AS physical_bytes,
    CASE WHEN follows THEN 0 ELSE coalesce(exclusive.size, 0) END AS exclusive_bytes,
    coalesce(root_sizes.pull, 0) AS pull_bytes,
    CASE WHEN follows THEN 0 ELSE coalesce(root_sizes.elsewhere, 0) END AS foreign_bytes,
    dates.made_at AS created_at,
    roots.pushed_at,
    CASE WHEN follows THEN subjects.subject ELSE '' END AS subject,
    places.dedup_scope,
    places.complete AND coalesce(root_sizes.known, FALSE) AS complete,
    coalesce(
        roots.web_url,
        replace(
            replace(repositories.tag_web_url, '{tag}', roots.tag),
            '{digest}',
            coalesce(nodes.digest, roots.unread)
        ),
        repositories.web_url
    ) AS web_url
FROM roots
JOIN places USING (place)
LEFT JOIN nodes USING (node)
LEFT JOIN repositories
    ON repositories.snapshot = places.snapshot AND repositories.repository = places.repository
LEFT JOIN root_sizes USING (root)
LEFT JOIN dates USING (node)
LEFT JOIN exclusive USING (scope, root)
LEFT JOIN subjects ON subjects.place = roots.place AND subjects.child = roots.node
WHERE places.state = $state AND roots.tag IS NOT NULL
ORDER BY physical_bytes DESC, registry, repository, tag
