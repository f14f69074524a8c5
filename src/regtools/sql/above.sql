-- Answers: what leads, upwards, to the manifests that have a referrer's tag or none?
-- Parameters: none; tables links, referrer_tags, untagged_here.
-- Columns: place, candidate, node (what leads there, and itself), referred (whether its last step is
--          one from a subject to its referrer; NULL: no step).
WITH RECURSIVE
candidates AS (
    SELECT place, node FROM referrer_tags WHERE node IS NOT NULL
    UNION
    SELECT place, node FROM untagged_here WHERE node IS NOT NULL
),
above AS (
    SELECT place, node AS candidate, node, NULL::BOOLEAN AS referred FROM candidates
    UNION
    SELECT
        above.place,
        above.candidate,
        links.parent,
        -- Not by comparing nodes: in a cycle the candidate is above itself.
        coalesce(above.referred, links.place IS NOT NULL)
    FROM above
    JOIN links
        ON links.child = above.node
        AND (links.place IS NULL OR links.place = above.place)
)
SELECT place, candidate, node, referred FROM above
