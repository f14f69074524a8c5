-- Answers: what does a vendor's rule see of each repository: every manifest in it, tagged or not?
--          The tags of referrers are none where the vendor knows what they are.
-- Parameters: the variable earliest; tables places, nodes, dates, links, others, referrer_tags.
-- Columns: place, node, registry, repository, digest, tags (a list), tagged_at (when each was
--          pushed, else when it was made), pushed_at (the last of them, else when it was made), pulled_at, tells_pulls,
--          media_type, artifact_type, subject (as it says itself, or else a referrer's tag on it),
--          parents (a list of digests), loose (untagged, and part of nothing else).
WITH RECURSIVE
named AS (
    SELECT
        places.place,
        nodes.node,
        tags.tag,
        CASE WHEN tags.pushed_at >= getvariable('earliest') THEN tags.pushed_at END AS pushed_at,
        tags.pulled_at
    FROM tags
    JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
    JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
    WHERE NOT is_referrer_tag(tags.tag)
    UNION ALL
    SELECT
        places.place,
        nodes.node,
        NULL,
        CASE WHEN untagged.pushed_at >= getvariable('earliest') THEN untagged.pushed_at END,
        untagged.pulled_at
    FROM untagged
    JOIN places
        ON places.snapshot = untagged.snapshot AND places.repository = untagged.repository
    JOIN nodes ON nodes.scan = places.scan AND nodes.digest = untagged.digest
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
        list(tag ORDER BY tag) FILTER (WHERE tag IS NOT NULL) AS tags,
        list(pushed_at ORDER BY tag) FILTER (WHERE tag IS NOT NULL) AS tagged_at,
        max(pushed_at) AS pushed_at,
        max(pulled_at) AS pulled_at
    FROM named
    GROUP BY place, node
),
about AS (
    SELECT place, node, min(replace(left(tag, 71), '-', ':')) AS subject
    FROM referrer_tags
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
    list_transform(
        coalesce(told.tagged_at, []), lambda one: coalesce(one, dates.made_at)
    ) AS tagged_at,
    coalesce(told.pushed_at, dates.made_at) AS pushed_at,
    told.pulled_at,
    tell_pulls.registry IS NOT NULL AS tells_pulls,
    nodes.media_type,
    nodes.artifact_type,
    coalesce(nodes.subject, about.subject) AS subject,
    coalesce(above.parents, []) AS parents,
    others.node IS NOT NULL AS loose
FROM reached
JOIN places USING (place)
JOIN nodes USING (node)
JOIN dates USING (node)
LEFT JOIN told USING (place, node)
LEFT JOIN above USING (place, node)
LEFT JOIN about ON about.place = reached.place AND about.node = reached.node
LEFT JOIN tell_pulls ON tell_pulls.registry = places.registry
LEFT JOIN others ON others.place = reached.place AND others.node = reached.node AND others.tag IS NULL
ORDER BY places.registry, places.repository, nodes.digest
