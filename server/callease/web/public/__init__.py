"""What pages call: the script, visits, leases. Every answer may be read by the site's own pages only."""
