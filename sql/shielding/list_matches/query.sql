SELECT DISTINCT figures.figure
FROM figures
INNER JOIN written_figures
    ON figures.figure = written_figures.written
WHERE written_figures.is_list
