import { wireCatalog } from '../../wire/catalog.ts'
import { describeWireCases } from '../../wire/describe-cases.ts'

describeWireCases('transactions', wireCatalog.transactions)
