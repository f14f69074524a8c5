-- Answers: what leads from one manifest to another? From an index to its children, wherever it is;
--          from a subject to its referrers, in one repository.
-- Parameters: none; tables nodes, tagged, referrer_tags, untagged_here.
-- Columns: place (NULL: in every repository), parent, child, platform, attests.
WITH
told AS (
    SELECT scan, place, replace(left(tag, 71), '-', ':') AS subject, node
    FROM referrer_tags
    WHERE node IS NOT NULL
),
subjects AS (
    SELECT scan, node, left(digest, 71) AS subject FROM nodes
),
about AS (
    SELECT own.node, subject.node AS subject
    FROM nodes AS own
    JOIN nodes AS subject ON subject.scan = own.scan AND subject.digest = own.subject
    WHERE own.subject IS NOT NULL
),
referrers AS (
    SELECT told.place, subjects.node AS parent, told.node AS child
    FROM told
    JOIN subjects USING (scan, subject)
    UNION
    SELECT held.place, about.subject, about.node
    FROM (SELECT place, node FROM tagged UNION ALL SELECT place, node FROM untagged_here) AS held
    JOIN about USING (node)
)
SELECT
    NULL::INTEGER AS place,
    parent.node AS parent,
    child.node AS child,
    children.platform,
    coalesce(children.attests IS NOT NULL OR children.platform = 'unknown/unknown', FALSE)
        AS attests
FROM children
JOIN nodes AS parent ON parent.snapshot = children.snapshot AND parent.digest = children.parent
JOIN nodes AS child ON child.snapshot = children.snapshot AND child.digest = children.child
UNION ALL
-- A manifest that names itself, by whatever name, leads nowhere.
SELECT place, parent, child, NULL, FALSE FROM referrers WHERE parent <> child
