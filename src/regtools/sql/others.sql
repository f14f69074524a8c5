-- Answers: what does a repository hold beside its versions: which tags are those of referrers, and
--          which manifests have no tag and are not part of anything that has one?
-- Parameters: none; tables links, tagged, referrer_tags, untagged_here, above.
-- Columns: place, tag (NULL: untagged), digest, node, pushed_at, pulled_at, locked, follows (a tag leads to
--          its subject: its bytes are counted there), goes_along (its subject is here, tagged or not:
--          it stays and goes with it).
WITH
versions AS (
    SELECT DISTINCT place, node
    FROM tagged
    SEMI JOIN above USING (place, node)
    WHERE NOT refers
),
under_a_tag AS (
    SELECT DISTINCT above.place, above.candidate AS node
    FROM above
    JOIN (SELECT place, node FROM versions UNION SELECT place, node FROM referrer_tags) AS tagged
        USING (place, node)
),
-- What another untagged manifest leads to.
below AS (
    SELECT untagged_here.place, links.child AS node
    FROM untagged_here
    JOIN links
        ON links.parent = untagged_here.node
        AND (links.place IS NULL OR links.place = untagged_here.place)
),
loose AS (
    SELECT *
    FROM untagged_here
    ANTI JOIN under_a_tag USING (place, node)
    ANTI JOIN below USING (place, node)
),
anchored AS (
    SELECT
        above.place,
        above.candidate AS node,
        bool_or(above.referred AND anchors.tagged) AS follows,
        bool_or(above.referred) AS goes_along
    FROM above
    JOIN (
        SELECT place, node, TRUE AS tagged FROM versions
        UNION ALL
        SELECT place, node, FALSE FROM loose
    ) AS anchors USING (place, node)
    GROUP BY above.place, above.candidate
)
SELECT
    referrer_tags.place,
    referrer_tags.tag,
    referrer_tags.digest,
    referrer_tags.node,
    referrer_tags.pushed_at,
    referrer_tags.pulled_at,
    referrer_tags.locked,
    coalesce(anchored.follows, FALSE) AS follows,
    coalesce(anchored.goes_along, FALSE) AS goes_along
FROM referrer_tags
LEFT JOIN anchored USING (place, node)
UNION ALL
SELECT place, NULL, digest, node, pushed_at, pulled_at, locked, FALSE, FALSE
FROM loose
