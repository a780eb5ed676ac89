select view_date, view_id, in_stock_share, out_of_stock_share, unknown_share, store_share
from {{ ref('fct_twist') }}
where in_stock_share + out_of_stock_share + unknown_share <> 1
    or in_stock_share < 0 or out_of_stock_share < 0 or unknown_share < 0
    or store_share < 0 or store_share > in_stock_share
    or case when fulfilment = 'pickup' and store_id is not null then 1 else 0 end
        <> case when store_share is not null then 1 else 0 end
