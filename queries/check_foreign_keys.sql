-- title: Rows that refer to rows that are not there
SELECT "table", rowid, parent FROM pragma_foreign_key_check;
