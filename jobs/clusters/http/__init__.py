"""The driver for clusters that speak the GPU cluster API over HTTP."""
