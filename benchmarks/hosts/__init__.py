"""What a lab of many phones costs its hosts: CPU time of the harness for each job, at 50, 100 and 200 phones."""
