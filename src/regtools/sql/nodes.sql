-- Answers: which manifests and indexes did each scan see? They get numbers, which join faster.
--          What a scan could not read is missing there, even where another scan has it.
-- Parameters: none; table places.
-- Columns: node, scan, and those of manifests.
SELECT (row_number() OVER ())::INTEGER AS node, scans.scan, manifests.*
FROM manifests
JOIN (SELECT DISTINCT snapshot, scan FROM places) AS scans USING (snapshot)
