-- How often a pass has taken an attempt to look for its create, which nobody sends any more: the provider's "it isn't there" is believed after
-- some looks, because a clock that jumps ahead makes an attempt look old at once.
alter table tasks add column searches integer not null default 0 check (searches >= 0);
