-- Tasks that were deleted and whose files are still to go: noted by the statement that deletes, so that a process that dies
-- between the two leaves no files that nobody knows of.
create table forgotten (id uuid primary key);
