comment on column command.closed_at is
  'When nothing was awaited any more; null while something is. Of an unknown command only a report that still comes late from a buffer can tell more.';
