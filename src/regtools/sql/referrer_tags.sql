-- Answers: which tags are those of referrers?
-- Parameters: none; tables nodes, tagged.
-- Columns: place, scan, tag, digest, node (NULL: not read), pushed_at, pulled_at,
--          locked.
SELECT
    tagged.place,
    tagged.scan,
    tagged.tag,
    coalesce(nodes.digest, tagged.unread) AS digest,
    tagged.node,
    tagged.pushed_at,
    tagged.pulled_at,
    tagged.locked
FROM tagged
LEFT JOIN nodes USING (node)
WHERE tagged.refers
