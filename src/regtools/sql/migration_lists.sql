-- Answers: which lists of referrers are about something that their repository holds?
-- Parameters: none; table links.
-- Columns: place, node.
SELECT DISTINCT place, child AS node FROM links
WHERE place IS NOT NULL
