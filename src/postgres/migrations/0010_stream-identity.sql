-- In which stream a position counts: one that was made anew while no node ran may have grown past it.

alter table lease add column stream text;
comment on column lease.stream is
  'The stream DEVICES in which position counts, by the time of its creation; null before any was read. Another one is read from its beginning.';
