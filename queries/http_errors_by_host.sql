-- title: HTTP answers by host: how many there are, how many are errors
-- client_errors: 400 to 499; server_errors: 500 and above.  The host is that of the request.
SELECT coalesce(json_extract(q.detail, '$.host'), '(request not captured)') AS host, count(*) AS answers,
       sum(json_extract(r.detail, '$.status') BETWEEN 400 AND 499) AS client_errors,
       sum(json_extract(r.detail, '$.status') >= 500) AS server_errors,
       round(100.0 * sum(json_extract(r.detail, '$.status') >= 400) / count(*), 1) AS percent
  FROM message AS r
  LEFT JOIN message AS q ON q.message_id = r.answers_message_id
 WHERE r.protocol = 'http' AND r.kind = 'response' AND json_extract(r.detail, '$.status') >= 200
 GROUP BY 1
 ORDER BY client_errors + server_errors DESC, answers DESC, host
 LIMIT 50;
