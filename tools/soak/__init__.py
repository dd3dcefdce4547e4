"""A mixed load for some minutes, and what it left behind: python -m tools.soak --minutes 15.

Backends lease, use and settle; merchants paste, check and store keys; staff look around; workers
do what is due; all on PostgreSQL, with the simulator in the vendor's place. The last line is JSON:

    requests        answered by the application
    errors          answers that should not have been (5xx, a 4xx out of place, a broken
                    connection), and refusals of the vendor for too many requests
    lost            what was answered as done and is not in the database afterwards, and due work
                    that was left undone
    leaked          secrets of the run that stand in a log file, and database connections left over
    rss_growth_mib  private memory of application and workers together, the last third of the
                    time against the third before it; the whole curve stands above
"""
