"""Pictures: samples, codes, training curves, columns of tables."""

from tfp_ebm.plots.curves import curve_panels, curves
from tfp_ebm.plots.images import (
    code_columns,
    data_and_samples,
    gibbs_chain,
    sample_grid,
    sample_grids,
)
from tfp_ebm.plots.points import density_2d, scatter_2d
from tfp_ebm.plots.tables import table_pairs

__all__ = [
    "code_columns",
    "curve_panels",
    "curves",
    "data_and_samples",
    "density_2d",
    "gibbs_chain",
    "sample_grid",
    "sample_grids",
    "scatter_2d",
    "table_pairs",
]
