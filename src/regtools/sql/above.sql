-- Answers: what leads, upwards, to the manifests that have a referrer's tag or none?
-- Parameters: none; tables links, referrer_tags, untagged_here.
-- Columns: place, candidate, node (what leads there, and itself), referred (by a step from a subject
--          to its referrer).
WITH RECURSIVE
candidates AS (
    SELECT place, node FROM referrer_tags WHERE node IS NOT NULL
    UNION
    SELECT place, node FROM untagged_here WHERE node IS NOT NULL
),
above AS (
    SELECT place, node AS candidate, node, FALSE AS referred FROM candidates
    UNION
    SELECT
        above.place,
        above.candidate,
        links.parent,
        CASE WHEN above.node = above.candidate THEN links.place IS NOT NULL ELSE above.referred END
    FROM above
    JOIN links
        ON links.child = above.node
        AND (links.place IS NULL OR links.place = above.place)
)
SELECT place, candidate, node, referred FROM above
