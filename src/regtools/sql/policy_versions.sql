-- Answers: what does a vendor's rule see of each repository: every manifest in it, tagged or not?
-- Parameters: the variable earliest; tables places, nodes, dates, links, tagged, untagged_here,
--             others.
-- Columns: place, node, registry, repository, digest, tags (a list), pushed_at (else when it was
--          made), pulled_at, tells_pulls, media_type, artifact_type, subject, parents (a list of
--          digests), loose (untagged, and part of nothing else).
WITH RECURSIVE
named AS (
    SELECT
        place,
        node,
        tag,
        CASE WHEN pushed_at >= getvariable('earliest') THEN pushed_at END AS pushed_at,
        pulled_at
    FROM (
        SELECT place, node, tag, pushed_at, pulled_at FROM tagged
        UNION ALL
        SELECT place, node, NULL, pushed_at, pulled_at FROM untagged_here
    ) AS every
    WHERE node IS NOT NULL
),
reached AS (
    SELECT place, node FROM named
    UNION
    SELECT reached.place, links.child
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.place)
),
told AS (
    SELECT
        place,
        node,
        list(DISTINCT tag ORDER BY tag) FILTER (WHERE tag IS NOT NULL) AS tags,
        max(pushed_at) AS pushed_at,
        max(pulled_at) AS pulled_at
    FROM named
    GROUP BY place, node
),
tell_pulls AS (
    SELECT DISTINCT places.registry
    FROM named
    JOIN places USING (place)
    WHERE named.pulled_at IS NOT NULL
),
above AS (
    SELECT reached.place, reached.node, list(DISTINCT nodes.digest ORDER BY nodes.digest) AS parents
    FROM reached
    JOIN links ON links.child = reached.node AND links.place IS NULL
    JOIN reached AS parent ON parent.place = reached.place AND parent.node = links.parent
    JOIN nodes ON nodes.node = parent.node
    GROUP BY reached.place, reached.node
)
SELECT
    reached.place,
    reached.node,
    places.registry,
    places.repository,
    nodes.digest,
    coalesce(told.tags, []) AS tags,
    coalesce(told.pushed_at, dates.made_at) AS pushed_at,
    told.pulled_at,
    tell_pulls.registry IS NOT NULL AS tells_pulls,
    nodes.media_type,
    nodes.artifact_type,
    nodes.subject,
    coalesce(above.parents, []) AS parents,
    others.node IS NOT NULL AS loose
FROM reached
JOIN places USING (place)
JOIN nodes USING (node)
JOIN dates USING (node)
LEFT JOIN told USING (place, node)
LEFT JOIN above USING (place, node)
LEFT JOIN tell_pulls ON tell_pulls.registry = places.registry
LEFT JOIN others ON others.place = reached.place AND others.node = reached.node AND others.tag IS NULL
