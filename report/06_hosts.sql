-- title: Loss by host
-- By the host that sent the missing bytes: the 15 with most capture loss, then unknown loss, then bytes; the last row sums up the others.
WITH ranked AS (
  SELECT *, row_number() OVER (ORDER BY capture_loss DESC, unknown_loss DESC, bytes_sent DESC, host) AS place FROM loss_by_host
)
SELECT place, host, sessions, bytes_sent, stored_bytes, gaps, capture_loss, unknown_loss FROM ranked WHERE place <= 15
UNION ALL
SELECT NULL, format('%,d more', count(*)), NULL, sum(bytes_sent), sum(stored_bytes), sum(gaps), sum(capture_loss), sum(unknown_loss)
  FROM ranked WHERE place > 15 HAVING count(*) > 0;
