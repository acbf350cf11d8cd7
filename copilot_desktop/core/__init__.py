"""The running application: settings, one state, the verbs, and what ties the parts together."""
