-- Answers: what does a vendor's rule see of each repository: every manifest in it, tagged or not?
--          The tags of referrers are none where the vendor knows what they are.
-- Parameters: the variable earliest; tables places, nodes, dates, links, tagged, referrer_tags,
--             untagged_here, others.
-- Columns: place, node, registry, repository, digest, tags (a list), tagged_at (when each was
--          pushed, else when it was made), pushed_at (the last of them, else when it was made),
--          pulled_at, locked_tags (a list), locked (it, or a tag on it), tells_pulls, media_type, artifact_type, subject (as it says itself, or else
--          a referrer's tag on it), parents (a list of digests), loose (untagged, and part of
--          nothing else).
WITH RECURSIVE
named AS (
    SELECT
        place,
        node,
        tag,
        CASE WHEN pushed_at >= getvariable('earliest') THEN pushed_at END AS pushed_at,
        pulled_at,
        coalesce(locked, FALSE) AS locked
    FROM (
        SELECT place, node, tag, pushed_at, pulled_at, locked FROM tagged WHERE NOT refers
        UNION ALL
        SELECT place, node, NULL, pushed_at, pulled_at, locked FROM untagged_here
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
        list(tag ORDER BY tag) FILTER (WHERE tag IS NOT NULL) AS tags,
        list(pushed_at ORDER BY tag) FILTER (WHERE tag IS NOT NULL) AS tagged_at,
        max(pushed_at) AS pushed_at,
        max(pulled_at) AS pulled_at,
        list(tag ORDER BY tag) FILTER (WHERE tag IS NOT NULL AND locked) AS locked_tags,
        bool_or(locked) AS locked
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
    coalesce(told.locked_tags, []) AS locked_tags,
    coalesce(told.locked, FALSE) AS locked,
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
