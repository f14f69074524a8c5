-- Answers: what does a repository hold beside its versions: which tags are those of referrers, and
--          which manifests have no tag and are not part of anything that has one?
-- Parameters: none; tables places, nodes, links.
-- Columns: place, tag (NULL: untagged), digest, node, pushed_at, pulled_at, follows (its subject is
--          here: its bytes are counted there, and it stays and goes with it).
WITH RECURSIVE
referrer_tags AS (
    SELECT places.place, tags.tag, tags.digest, nodes.node, tags.pushed_at, tags.pulled_at
    FROM tags
    JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
    LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
    WHERE is_referrer_tag(tags.tag)
),
tagless AS (
    SELECT places.place, untagged.digest, nodes.node, untagged.pushed_at, untagged.pulled_at
    FROM untagged
    JOIN places
        ON places.snapshot = untagged.snapshot AND places.repository = untagged.repository
    LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = untagged.digest
),
-- Only there does it matter what the versions reach.
asked AS (
    SELECT place FROM referrer_tags
    UNION
    SELECT place FROM tagless
),
anchored AS (
    SELECT places.place, nodes.node
    FROM asked
    JOIN places USING (place)
    JOIN tags ON tags.snapshot = places.snapshot AND tags.repository = places.repository
    JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
    WHERE NOT is_referrer_tag(tags.tag)
    UNION
    SELECT anchored.place, links.child
    FROM anchored
    JOIN links
        ON links.parent = anchored.node
        AND (links.place IS NULL OR links.place = anchored.place)
),
-- What a version has as its referrer, or as the referrer of one.
led_to AS (
    SELECT DISTINCT anchored.place, links.child AS node
    FROM anchored
    JOIN links ON links.place = anchored.place AND links.parent = anchored.node
),
-- What another untagged manifest leads to.
below AS (
    SELECT tagless.place, links.child AS node
    FROM tagless
    JOIN links
        ON links.parent = tagless.node
        AND (links.place IS NULL OR links.place = tagless.place)
)
SELECT
    referrer_tags.place,
    referrer_tags.tag,
    referrer_tags.digest,
    referrer_tags.node,
    referrer_tags.pushed_at,
    referrer_tags.pulled_at,
    led_to.node IS NOT NULL AS follows
FROM referrer_tags
LEFT JOIN led_to USING (place, node)
UNION ALL
SELECT place, NULL, digest, node, pushed_at, pulled_at, FALSE
FROM tagless
ANTI JOIN anchored USING (place, node)
ANTI JOIN below USING (place, node)
ANTI JOIN referrer_tags USING (place, node)
