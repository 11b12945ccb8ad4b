"""The dock, its pages, dialogs, map tools and the controllers behind them."""
