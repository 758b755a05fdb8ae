"""The mail gateway: composes, sends, records, tracks. It never imports `service`."""
