"""The installation: settings, addresses, middleware. Nothing about identity lives here."""
